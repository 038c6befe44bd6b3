"""ftp_sessions.py PORT WORK COUNT: so many sessions with an FTP server on 127.0.0.1, and one more that is
open all the while. WORK `files`: each stores files in the folder `incoming`, lists it, and has the same
bytes back; `talk`: each asks what the server answers without looking at a file."""

import io
import sys
from collections.abc import Callable
from ftplib import FTP

SIZES = [0, 1, 5000, 3_000_000]
PATIENCE = 30


def contents(session: int, size: int) -> bytes:
    return bytes((session + i) % 251 for i in range(1000)) * (size // 1000 + 1)


def store(ftp: FTP, session: int) -> None:
    for size in SIZES:
        ftp.storbinary(f"STOR {session}_{size}", io.BytesIO(contents(session, size)[:size]))


def check_listing(ftp: FTP, session: int) -> None:
    lines: list[str] = []
    ftp.retrlines("LIST", lines.append)
    listed = {line.split()[-1]: int(line.split()[4]) for line in lines}
    for size in SIZES:
        assert listed[f"{session}_{size}"] == size, lines


def check_contents(ftp: FTP, session: int) -> None:
    for size in SIZES:
        got = io.BytesIO()
        ftp.retrbinary(f"RETR {session}_{size}", got.write)
        assert got.getvalue() == contents(session, size)[:size], size


def log_in(port: int) -> FTP:
    ftp = FTP()
    ftp.connect("127.0.0.1", port, PATIENCE)
    ftp.login()
    ftp.cwd("incoming")
    return ftp


def move_files(ftp: FTP, session: int) -> None:
    store(ftp, session)
    check_listing(ftp, session)
    check_contents(ftp, session)
    for size in SIZES:
        ftp.delete(f"{session}_{size}")


def talk(ftp: FTP, session: int) -> None:
    for _ in range(50 + session):
        assert ftp.pwd() == "/incoming"
        ftp.voidcmd("NOOP")
        ftp.voidcmd("TYPE I")
        ftp.makepasv()
        assert "PASV" in ftp.sendcmd("FEAT")


WORK = {"files": move_files, "talk": talk}


def main(port: int, work: Callable[[FTP, int], None], count: int) -> None:
    idle = log_in(port)
    for session in range(count):
        ftp = log_in(port)
        work(ftp, session)
        ftp.quit()
    work(idle, count)
    idle.quit()
    print(count, "sessions")


main(int(sys.argv[1]), WORK[sys.argv[2]], int(sys.argv[3]))
