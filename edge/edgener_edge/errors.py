"""The errors of ``edgener-edge``, each with the exit code that the command ends with.

edgener.EdgenerError
└── EdgeError              40
    ├── DeviceError        41  a device that is not known
    ├── LockError          42  a lock file that cannot be used
    │   └── StaleLockError 43  it pins a version that the archive no longer offers
    ├── DownloadError      44  a package that could not be fetched, or is not what was pinned
    ├── ToolError          45  a program of the host that is missing, or failed
    ├── BuildError         46  parts that do not make a device build
    ├── VerifyError        47  a build that does not give the host's answers
    ├── ArtifactError      48  a file that is no device build, or a damaged one
    └── SourcesError       49  apt is not told of a Debian archive that has the packages
"""

from __future__ import annotations

from edgener.errors import EdgenerError


class EdgeError(EdgenerError):
    """Anything that ``edgener-edge`` reports."""

    exit_code = 40


class DeviceError(EdgeError):
    """A device that is not known."""

    exit_code = 41


class LockError(EdgeError):
    """A lock file that cannot be read, or lacks what is asked for."""

    exit_code = 42


class StaleLockError(LockError):
    """The lock file pins a version that the archive no longer offers; ``edgener-edge lock`` writes a new one."""

    exit_code = 43


class DownloadError(EdgeError):
    """A package that could not be fetched, or whose checksum is not the pinned one."""

    exit_code = 44


class ToolError(EdgeError):
    """A program of the host that is missing, or that failed."""

    exit_code = 45


class BuildError(EdgeError):
    """Parts that do not make a device build."""

    exit_code = 46


class VerifyError(EdgeError):
    """A build that does not give the host's answers."""

    exit_code = 47


class ArtifactError(EdgeError):
    """A file that is no device build, or a damaged one."""

    exit_code = 48


class SourcesError(EdgeError):
    """A list of apt's sources that cannot be read, or does not name an archive that the packages come from."""

    exit_code = 49
