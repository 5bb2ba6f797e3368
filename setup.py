"""Build: Cython drivers, and csrc/isa_unit.c once per instruction set; the rest: pyproject.toml.

Environment: FASTCONV_DEBUG=1 turns on bounds checks and asserts; FASTCONV_NO_OPENMP=1 builds
without OpenMP; FASTCONV_ISAS=avx2,... restricts the instruction sets beside "portable".
"""

import os
import platform
import subprocess
import tempfile
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

KERNELS = "fastconv/kernels"
CSRC = f"{KERNELS}/csrc"
DEBUG = os.environ.get("FASTCONV_DEBUG") == "1"

AVX2 = ["-mavx2", "-mfma"]
AVX512 = [
    *AVX2, "-mavx512f", "-mavx512bw", "-mavx512dq", "-mavx512vl", "-mprefer-vector-width=512",
]  # fmt: skip
AMX = [*AVX512, "-mavx512bf16", "-mamx-tile", "-mamx-bf16"]
#: name: (FC_HAVE_* macros, compiler flags). csrc/isas.def holds the CPU bits of the same names.
ISAS = {
    "portable": ([], []),
    "avx2": (["AVX2"], AVX2),
    "avx512": (["AVX2", "AVX512"], AVX512),
    "amx": (["AVX2", "AVX512", "AMX"], AMX),
}

#: Plain C that a driver is linked with; isa also gets isa_unit.c, once per row of ISAS.
C_FILES = {
    "isa": ["registry.c", "cpu.c"],
    "threads": ["process.c"],
    "workspace": ["scratch.c"],
}
#: gnu11, not c11: GCC fuses a * b + c only in the gnu dialects. No errno: sqrtf is then one
#: instruction, also on vectors.
C_FLAGS = [
    "-std=gnu11", "-Og" if DEBUG else "-O3", "-g" if DEBUG else "-g0", "-Wall", "-Wextra",
    "-fno-math-errno",
]  # fmt: skip
CYTHON_C_FLAGS = ["-Wno-unused-function", "-Wno-unused-parameter", "-Wno-unused-variable"]
DIRECTIVES = {
    "language_level": 3,
    "embedsignature": False,
    "boundscheck": DEBUG,
    "wraparound": DEBUG,
    "initializedcheck": DEBUG,
    "cdivision": not DEBUG,
    "freethreading_compatible": True,
}


def c_sources(pattern: str) -> list[str]:
    """Return the files of csrc/, which an Extension has to name one by one."""
    return sorted(str(path) for path in Path(CSRC).rglob(pattern))


def compiles(compiler, flags: list[str], code: str = "int main(void) { return 0; }") -> bool:
    """Return whether the C compiler takes these flags and the program links."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "probe.c")
        source.write_text(code)
        command = [*compiler.compiler_so, *flags, str(source), "-o", str(Path(folder, "probe"))]
        command = [word for word in command if word != "-c"]
        return subprocess.run(command, capture_output=True, check=False).returncode == 0


class BuildKernels(build_ext):
    """Compile the C side once, then link each Cython driver against what it needs."""

    def build_extensions(self) -> None:
        """Probe the compiler and set the flags of every extension."""
        openmp = self.openmp_flags()
        isas = self.supported_isas()
        macros = [(f"FC_BUILD_{name.upper()}", "1") for name in isas]
        for extension in self.extensions:
            driver = extension.name.rpartition(".")[2]
            parallel = openmp if driver == "threads" else []
            extension.extra_compile_args += [*C_FLAGS, *CYTHON_C_FLAGS, *parallel]
            extension.extra_link_args += [*parallel, *([] if DEBUG else ["-Wl,-s"])]
            extension.extra_objects = self.compile_c(C_FILES.get(driver, []), "common", macros, [])
            if driver == "isa":
                for name in isas:
                    have, flags = ISAS[name]
                    own = [("FC_ISA_NAME", name), *((f"FC_HAVE_{bit}", "1") for bit in have)]
                    extension.extra_objects += self.compile_c(
                        ["isa_unit.c"], name, macros + own, flags
                    )
        super().build_extensions()

    def openmp_flags(self) -> list[str]:
        """Return ["-fopenmp"] where it works; a build without runs on one thread and says so."""
        if os.environ.get("FASTCONV_NO_OPENMP") == "1":
            return []
        probe = "#include <omp.h>\nint main(void) { return omp_get_max_threads() < 1; }\n"
        return ["-fopenmp"] if compiles(self.compiler, ["-fopenmp"], probe) else []

    def supported_isas(self) -> list[str]:
        """Return the rows of ISAS that this machine's compiler can build."""
        wanted = os.environ.get("FASTCONV_ISAS", ",".join(ISAS)).split(",")
        x86 = platform.machine().lower() in ("x86_64", "amd64", "i686", "i386")
        return [
            name
            for name, (_, flags) in ISAS.items()
            if not flags or (x86 and name in wanted and compiles(self.compiler, flags))
        ]

    def compile_c(
        self, files: list[str], folder: str, macros: list[tuple[str, str]], flags: list[str]
    ) -> list[str]:
        """Compile files of csrc/ into a folder of their own and return the objects."""
        return self.compiler.compile(
            [f"{CSRC}/{file}" for file in files],
            output_dir=str(Path(self.build_temp, folder)),
            include_dirs=[CSRC],
            macros=macros,
            extra_postargs=[*C_FLAGS, *flags],
            depends=c_sources("*.h") + c_sources("*.def"),
        )


def extensions() -> list[Extension]:
    """Return one extension per Cython driver."""
    depends = [*c_sources("*.h"), *c_sources("*.c"), *c_sources("*.def")]
    return [
        Extension(
            str(path.with_suffix("")).replace(os.sep, "."),
            [str(path)],
            include_dirs=[CSRC],
            depends=depends,
        )
        for path in sorted(Path(KERNELS).glob("*.pyx"))
    ]


setup(
    ext_modules=cythonize(
        extensions(),
        compiler_directives=DIRECTIVES,
        build_dir="build/cython",
        nthreads=os.cpu_count() or 1,
    ),
    cmdclass={"build_ext": BuildKernels},
    options={"build_ext": {"parallel": os.cpu_count() or 1}},
)
