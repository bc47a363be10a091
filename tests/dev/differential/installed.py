"""Packages that are installed beside a project: what a template imports beforehand.

Each gives something else where it is imported in another order, in other surroundings, or after
its neighbours were set up. The project's own code keeps what it saw of that.
"""

INSTALLED: dict[str, str] = {
    "fake_registry.py": "NAMES = []\n",
    "fake_plain.py": "import fake_registry\nVALUE = 10\nfake_registry.NAMES.append(__name__)\n",
    "fake_settings.py": "import fake_registry\nimport os, random, sys, warnings\n"
    "MODE = os.environ.get('SHOP_MODE', 'none')\n"
    "PATHS = [path for path in sys.path if path.endswith(('/lib', '/nonexistent'))]\n"
    "FILTERS = [repr(one) for one in warnings.filters]\n"
    "fake_registry.NAMES.append(__name__)\n",
    "fake_package/__init__.py": "import fake_registry\nbackend = 'auto'\n"
    "fake_registry.NAMES.append(__name__)\n",
    "fake_package/inner.py": "import fake_package, fake_registry\nBACKEND = fake_package.backend\n"
    "fake_registry.NAMES.append(__name__)\n",
    "fake_optional.py": "try:\n    import optional\nexcept ImportError:\n    optional = None\n"
    "HAS_OPTIONAL = optional is not None\n",
    "fake_changing.py": "import os\nos.environ['SHOP_MODE'] = '77'\n",
}


USES = (
    "import fake_plain, fake_registry",
    "import fake_plain",
    "import fake_settings",
    "import fake_settings\n"
    "SETTINGS = [fake_settings.MODE, fake_settings.PATHS, fake_settings.FILTERS]",
    "import fake_package\nfake_package.backend = 'NUMBER'",
    "import fake_package.inner\nBACKEND = fake_package.inner.BACKEND",
    "from fake_package import inner\nfrom fake_registry import NAMES",
    "import fake_registry\nfake_registry.NAMES.append('NUMBER')",
    "import fake_optional\nHAS_OPTIONAL = fake_optional.HAS_OPTIONAL",
    "import fake_changing",
)
"""Blocks of the project that import one and keep what it gives.

None reads `fake_registry.NAMES`: that a package which the template has, and which is imported
further down, has registered itself already is a known exception (decision 10).
"""
