"""How to have a phone or a computer trust the authority: one recipe each, and how to take it back."""

from __future__ import annotations

SYSTEMS = ("ios", "android", "macos", "windows", "linux", "firefox")

_RECIPES = {
    "ios": (
        "iPhone, iPad",
        (
            "Get the file onto it (AirDrop, mail, or the link), and tap it: a profile was downloaded.",
            "Settings > General > VPN & Device Management > the profile: More Details shows the fingerprint. "
            "Compare it, then Install.",
            "Settings > General > About > Certificate Trust Settings: switch it on. Without this step it is "
            "installed and not trusted.",
            "To take it back: remove the profile.",
        ),
    ),
    "android": (
        "Android",
        (
            "Get the file onto it (a cable, Quick Share, or the link).",
            "Settings > Security & privacy > More > Encryption & credentials > Install a certificate > CA "
            "certificate: Install anyway, and choose the file. It wants a screen lock.",
            "Compare the fingerprint: Trusted credentials > User > the name.",
            "Chrome takes it. Firefox does after Settings > About Firefox > tap the logo five times > back > "
            "Secret Settings > Use third party CA certificates. Other apps mostly do not.",
            "Android warns that the network may be monitored. That is what such a certificate could be for; "
            "this one can stand for local names only.",
        ),
    ),
    "macos": (
        "macOS",
        (
            "Open the file: Keychain Access asks for which keychain; login is enough.",
            "Find it there, open it, compare the fingerprint, and under Trust choose Always Trust for SSL.",
        ),
    ),
    "windows": (
        "Windows",
        (
            "Open the file > Install Certificate > Current User > Place all certificates in > Trusted Root "
            "Certification Authorities. Windows shows the fingerprint by SHA-1: compare by Details instead.",
        ),
    ),
    "linux": (
        "Linux",
        (
            "Chrome, Chromium: Settings > Privacy and security > Security > Manage certificates > Installed "
            "by you > Import. Or: certutil -d sql:$HOME/.pki/nssdb -A -t C,, -n pinwarden -i {file}",
            "curl: --cacert {file}. Programs of the whole system (Debian): copy it to "
            "/usr/local/share/ca-certificates/ and run update-ca-certificates.",
        ),
    ),
    "firefox": (
        "Firefox on a computer",
        (
            "Settings > Privacy & Security > Certificates > View Certificates > Authorities > Import: trust "
            "it to identify websites.",
        ),
    ),
}


def recipe(system: str, file: str) -> tuple[str, list[str]]:
    """The system's name and the steps; `file` is the certificate's path."""
    title, steps = _RECIPES[system]
    return title, [step.format(file=file) if "{file}" in step else step for step in steps]
