"""Which format a file has, by its first bytes: those that are read, and those that are named."""

START = 32
"""How many of the first bytes are needed."""

FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "TIFF", "GIF", "PPM", "AVIF")
"""Pillow's names of the formats that are read; HEIF is added where `ganflow[heic]` is installed."""

PICTURES = {
    b"\x89PNG": "PNG",
    b"\xff\xd8\xff": "JPEG",
    b"BM": "BMP",
    b"II*\0": "TIFF",
    b"MM\0*": "TIFF",
    b"GIF8": "GIF",
    **{b"P%d%c" % (kind, space): "PPM" for kind in range(1, 7) for space in b" \t\n\r#"},
}
BRANDS = {
    **dict.fromkeys((b"avif", b"avis"), "AVIF"),
    **dict.fromkeys(
        (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"), "HEIC"
    ),
}
"""The major brand of an ISO media file, at byte 8."""

OTHERS = {
    b"\0\0\0\x0cjP  ": "JPEG 2000",
    b"\xff\x4f\xff\x51": "JPEG 2000",
    b"\0\0\0\x0cJXL ": "JPEG XL",
    b"\xff\x0a": "JPEG XL",
    b"8BPS": "Photoshop",
    b"\0\0\1\0": "Windows icon",
    b"icns": "macOS icon",
    b"qoif": "QOI",
    b"v/1\x01": "OpenEXR",
    b"#?RADIANCE": "Radiance HDR",
    b"Pf": "portable float map",
    b"PF": "portable float map",
    b"P7": "portable arbitrary map",
    b"DDS ": "DirectDraw surface",
    b"SIMPLE  =": "FITS",
    b"\x89HDF": "HDF5",
    b"MATLAB 5": "MATLAB",
    b"PAR1": "Parquet",
    b"SQLite format 3": "SQLite",
    b"\x93NUMPY": "NumPy array",
    b"%PDF": "PDF",
    b"%!PS": "PostScript",
    b"<svg": "SVG",
    b"<?xml": "XML or SVG",
    b"\x1aE\xdf\xa3": "Matroska video",
    b"PK\x03\x04": "zip archive",
    b"PK\x05\x06": "zip archive",
    b"\x1f\x8b": "gzip archive",
    b"BZh": "bzip2 archive",
    b"\xfd7zXZ\0": "xz archive",
    b"7z\xbc\xaf": "7-Zip archive",
    b"Rar!": "RAR archive",
}


def picture_format(start: bytes) -> str | None:
    """The format of a picture that begins with `start`: one of `FORMATS`, or `HEIC`."""
    if start[4:8] == b"ftyp":
        return BRANDS.get(start[8:12])
    if start.startswith(b"RIFF"):
        return "WEBP" if start[8:12] == b"WEBP" else None
    return next((name for magic, name in PICTURES.items() if start.startswith(magic)), None)


def other_format(start: bytes) -> str | None:
    """The name of a known format that is not read, or None."""
    if start[4:8] == b"ftyp":
        return f"ISO media ({start[8:12].decode('ascii', 'replace').strip()})"
    return next((name for magic, name in OTHERS.items() if start.startswith(magic)), None)
