# SPDX-License-Identifier: GPL-2.0-only
"""From a spec to the directory of its image, which is made first if it is missing."""

import kcache
import kdesc
import kimage
import ktree
import kuser
import kusertree
from kerr import NotMade


class Finder:
    """Finds images for specs; with `path_only` what is missing is NotMade."""

    def __init__(self, cache, path_only):
        self.cache = cache
        self.path_only = path_only
        self._base = None

    def find(self, spec):
        """Return the directory of the image of a Spec."""
        return getattr(self, f"_{spec.kind}")(spec)

    def check(self, spec):
        """Raise what is wrong with a Spec, as far as it shows before anything is made."""
        try:
            self.find(spec)
        except NotMade:
            pass

    def _strategy(self, spec):
        conf, base = self._find_base()
        recipe = kimage.make_recipe(kdesc.load_strategy(spec.name), base)
        return self._built(recipe, conf, f"strategy {spec.name}", spec.name)

    def _runtime(self, spec):
        conf, base = self._find_base()
        image = self._built(kimage.make_runtime_recipe(base), conf, "runtime image", "--runtime")
        if not spec.name:
            return image
        with kcache.locked(self.cache, kuser.LOCK):
            return kuser.store_view(image, kdesc.load_strategy(spec.name), self.cache)

    def _file(self, spec):
        return kuser.import_file(spec.name, self.cache)

    def _deb(self, spec):
        return self._made(f"deb:{spec.name}",
                          kuser.find_deb(spec.name, self.cache, not self.path_only))

    def _tree(self, spec):
        name = f"tree:{spec.name}" + f"@{spec.rev}" * bool(spec.rev)
        return self._made(name, kusertree.find(spec, self.cache, not self.path_only))

    def _made(self, name, image):
        if not image:
            raise NotMade(f"{name}: no image yet; make it with: kernels/build {name}")
        return image

    def _find_base(self):
        """Return (BaseConf, Base); reading a tree takes a while, so it is looked up once."""
        if not self._base:
            conf = kdesc.load_base()
            self._base = conf, ktree.find_base(conf, self.cache)
        return self._base

    def _built(self, recipe, conf, what, argument):
        found = kimage.find(recipe, self.cache)
        if found:
            return found
        if self.path_only:
            raise NotMade(f"{what}: no image for this tree; build it with: kernels/build"
                          f" {argument}")
        with kcache.locked(self.cache):
            return kimage.find(recipe, self.cache) or kimage.build(recipe, conf, self.cache)
