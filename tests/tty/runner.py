"""runner.py - what a shell with job control does, in a terminal of terminal.py: runs programs in
the foreground one after the other, and tells how each left the terminal.

    runner.py SOCKET

Lines of JSON come and go through the socket:

    {"argv": [...], "env": {...}, "cwd": "..."}     run this
    <- {"pid": 17}
    <- {"stopped": 20, "changed": []}               signal; what of the terminal is not as it was
    {"go": true}                                    on, in the foreground
    <- {"code": 0, "changed": []}                   minus the signal that ended it
"""
import json
import os
import signal
import socket
import sys
import termios

NAMES = ["iflag", "oflag", "cflag", "lflag", "ispeed", "ospeed", "cc"]


def start(job):
    pid = os.fork()
    if pid:
        return pid
    try:
        os.setpgid(0, 0)
        os.tcsetpgrp(0, os.getpid())
        for s in (signal.SIGTTOU, signal.SIGTTIN, signal.SIGTSTP, signal.SIGINT, signal.SIGQUIT,
                  signal.SIGPIPE, signal.SIGXFSZ):
            signal.signal(s, signal.SIG_DFL)
        os.chdir(job["cwd"])
        os.execvpe(job["argv"][0], job["argv"], job["env"])
    finally:
        os._exit(127)


def main():
    wire = socket.socket(socket.AF_UNIX)
    wire.connect(sys.argv[1])
    lines = wire.makefile("r")

    def tell(**what):
        wire.sendall(json.dumps(what).encode() + b"\n")

    for s in (signal.SIGTTOU, signal.SIGTTIN, signal.SIGTSTP, signal.SIGINT, signal.SIGQUIT):
        signal.signal(s, signal.SIG_IGN)
    found = termios.tcgetattr(0)

    def take_back():
        left = termios.tcgetattr(0)
        os.tcsetpgrp(0, os.getpgrp())
        termios.tcsetattr(0, termios.TCSANOW, found)
        return [name for name, a, b in zip(NAMES, found, left) if a != b]

    tell(ready=True)
    for line in lines:
        os.write(1, b"$ qw\r\n")        # no program begins in the first row
        pid = start(json.loads(line))
        tell(pid=pid)
        while True:
            status = os.waitpid(pid, os.WUNTRACED)[1]
            changed = take_back()
            if not os.WIFSTOPPED(status):
                break
            os.write(1, b"stopped\r\n")
            tell(stopped=os.WSTOPSIG(status), changed=changed)
            lines.readline()
            os.tcsetpgrp(0, pid)
            os.killpg(pid, signal.SIGCONT)
        code = os.waitstatus_to_exitcode(status)
        os.write(1, b"rc=%d\r\n" % code)
        tell(code=code, changed=changed)


main()
