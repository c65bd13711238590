"""Cost, bound, time and memory of `stoker plan` beside an independent bound and Karpenter's own scheduler.

usage: run.py STOKER [WORKLOAD...] [--seed N] [--no-peer] [--no-bound]
Each workload is made once in build/bench. The bound needs scipy (put into build/venv if it can be had), the peer needs
Go (built once); where either is missing its columns stay empty and a line says so.
"""
import json, os, shutil, subprocess, sys, time

CATALOG, PRICES = "data/ec2-instance-types.tsv", "data/ec2-prices-us-west-2.tsv"
DEFAULT = ["seed-benchmark", "mixed-1k", "mixed-10k", "bridgewater", "diverse-2k", "diverse-10k", "shapes-10k", "shapes-100k"]
# Beyond these the peer or the LP takes minutes to hours.
PEER_TOO_LARGE, BOUND_TOO_LARGE = {"mixed-30k", "shapes-100k"}, {"diverse-2k", "diverse-10k", "shapes-100k"}
PEER = "bench/karpenter-peer/karpenter-peer"


def workload(name, seed):
    folder = f"build/bench/{name}-{seed}"
    if not os.path.exists(f"{folder}/pods.json"):
        subprocess.run([sys.executable, "bench/workloads.py", name, folder, "--seed", str(seed)], check=True,
                       stdout=subprocess.DEVNULL)
    return folder


def measured(command):
    """Output, seconds and peak MiB of a command; the peak is its own, not that of earlier children."""
    read, write = os.pipe()
    start = time.monotonic()
    pid = os.fork()
    if pid == 0:
        os.dup2(write, 1)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        os.execv(command[0], command)
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        out = pipe.read()
    _, status, usage = os.wait4(pid, 0)
    return out, os.waitstatus_to_exitcode(status), time.monotonic() - start, usage.ru_maxrss / 1024


def ours(stoker, folder):
    command = [stoker, "plan", "-f", f"{folder}/provisioner.json", "-f", f"{folder}/pods.json", "-o", "json"]
    out, status, seconds, mib = measured(command + ["--no-on-demand"])
    if status not in (0, 3):
        return None
    plan = json.loads(out)
    _, _, with_on_demand, _ = measured(command)
    return {"cost": plan["usdPerHour"], "bound": plan["lowerBoundUsdPerHour"], "unplaced": len(plan["unschedulable"]),
            "solve": plan["solveMilliseconds"] / 1000, "command": seconds, "with_on_demand": with_on_demand, "mib": mib,
            "pods": plan["pods"]}


def scipy_python():
    venv = "build/venv/bin/python"
    for python in (sys.executable, venv):
        if os.path.exists(python) and subprocess.run([python, "-c", "import scipy"], capture_output=True).returncode == 0:
            return python
    if subprocess.run([sys.executable, "-m", "venv", "build/venv"], capture_output=True).returncode == 0:
        if subprocess.run([venv, "-m", "pip", "install", "-q", "scipy"], capture_output=True).returncode == 0:
            return venv
    print("scipy cannot be had: no independent bound")
    return None


def peer_program():
    if os.path.exists(PEER):
        return PEER
    if not shutil.which("go"):
        print("Go is not there: no peer")
        return None
    if subprocess.run(["go", "build", "-o", "karpenter-peer", "."], cwd="bench/karpenter-peer").returncode:
        print("the peer does not build: no peer")
        return None
    return PEER


def bound(python, folder):
    out = subprocess.run([python, "bench/bound.py", f"{folder}/karpenter.json", CATALOG, PRICES], capture_output=True,
                         text=True).stdout
    return float(out.split()[2]) if out.startswith("lower bound") else None


def peer(program, folder):
    out, status, _, mib = measured([program, "-workload", f"{folder}/karpenter.json", "-catalog", CATALOG, "-prices", PRICES])
    if status:
        return None
    found = json.loads(out.splitlines()[-1])
    return {"cost": found["usd_per_hour"], "solve": found["seconds"], "mib": mib, "unplaced": found["unschedulable"]}


def text(value, digits):
    return "-" if value is None else f"{value:.{digits}f}"


def ratio(part, whole):
    return text(part / whole if part is not None and whole else None, 4)


HEAD = ["workload", "pods", "cost", "bound", "cost/bound", "unplaced", "solve s", "command s", "+on-demand s", "MiB",
        "LP bound", "bound/LP", "peer cost", "ours/peer", "peer unplaced", "peer s", "peer MiB"]


def row(name, o, lp, p):
    p = p or {}
    return [name, str(o["pods"]), text(o["cost"], 2), text(o["bound"], 2), ratio(o["cost"], o["bound"]), str(o["unplaced"]),
            text(o["solve"], 3), text(o["command"], 2), text(o["with_on_demand"], 2), text(o["mib"], 0), text(lp, 2),
            ratio(o["bound"], lp), text(p.get("cost"), 2), ratio(o["cost"], p.get("cost")),
            text(p.get("unplaced"), 0), text(p.get("solve"), 2), text(p.get("mib"), 0)]


def main():
    args = sys.argv[1:]
    seed = 1
    if "--seed" in args:
        at = args.index("--seed")
        seed = int(args[at + 1])
        del args[at:at + 2]
    flags, names = [a for a in args[1:] if a.startswith("-")], [a for a in args[1:] if not a.startswith("-")]
    python = None if "--no-bound" in flags else scipy_python()
    program = None if "--no-peer" in flags else peer_program()
    print("\t".join(HEAD), flush=True)
    failed = False
    for name in names or DEFAULT:
        folder = workload(name, seed)
        o = ours(os.path.abspath(args[0]), folder)
        if o is None:
            print(name, "stoker plan failed", sep="\t")
            failed = True
            continue
        lp = bound(python, folder) if python and name not in BOUND_TOO_LARGE else None
        p = peer(program, folder) if program and name not in PEER_TOO_LARGE else None
        print("\t".join(row(name, o, lp, p)), flush=True)
    sys.exit(failed)


if __name__ == "__main__":
    main()
