// SPDX-License-Identifier: GPL-2.0-only
"use strict";

// Images are packed until they come near the window, or the page is printed.
const unpack = async (image) => {
	const packed = image.dataset.svg;
	if (!packed)
		return;
	delete image.dataset.svg;
	const bytes = Uint8Array.from(atob(packed), (c) => c.charCodeAt(0));
	const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
	image.src = "data:image/svg+xml," + encodeURIComponent(await new Response(stream).text());
};
const observer = new IntersectionObserver((entries) => {
	for (const entry of entries)
		if (entry.isIntersecting)
			unpack(entry.target);
}, { rootMargin: "800px" });
const images = document.querySelectorAll("img[data-svg]");
images.forEach((image) => observer.observe(image));
addEventListener("beforeprint", () => images.forEach(unpack));

// A click on a column's head sorts its table; rows of equal cells keep their order.
for (const table of document.querySelectorAll("table.sortable")) {
	const heads = table.tHead.rows[0].cells, body = table.tBodies[0];
	const key = (row, i) => row.cells[i].dataset.sort ?? row.cells[i].textContent.trim();
	// What has no number comes last, whichever way is up.
	const compare = (a, b, sign) => {
		const x = a === "" ? NaN : Number(a), y = b === "" ? NaN : Number(b);
		if (!isNaN(x) || !isNaN(y))
			return isNaN(x) ? 1 : isNaN(y) ? -1 : sign * (x - y);
		return sign * a.localeCompare(b);
	};
	[...heads].forEach((head, i) => {
		const button = document.createElement("button");
		button.append(...head.childNodes);
		head.append(button);
		button.addEventListener("click", () => {
			const up = head.getAttribute("aria-sort") !== "ascending";
			for (const other of heads)
				other.removeAttribute("aria-sort");
			head.setAttribute("aria-sort", up ? "ascending" : "descending");
			body.append(...[...body.rows].sort(
				(a, b) => compare(key(a, i), key(b, i), up ? 1 : -1)));
		});
	});
}
