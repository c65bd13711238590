"""kill -9 at every effect in turn: before and after the n-th outgoing call that changes something, n = 1, 2, 3 … until the scenario
passes without it.

The walks share the effects among them, each in a world of its own, at the same time: a scenario mostly waits.
"""
import os
import threading
import time
import traceback

from world import invariants, manifests
from world.controller import Controller
from world.manifests import deployment, provisioner, template
from world.parts import Failed
from world.world import World

from . import case, check
from .d_faults import ONE_A_NODE

# `make e2e` takes every STEP-th effect, before it or after it in turn; E2E_KILLS=all, as in CI, each, both before and after.
ALL = os.environ.get("E2E_KILLS") == "all"
STEP = 1 if ALL else int(os.environ.get("E2E_KILLS") or 3)
WALKS = 4
BOOT_S = (0.2, 0.4)
QUICK = ("--batch-idle", "100ms", "--consistency", "2s", "--collect-every", "2s")
DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments"
FEW_EFFECTS = 40  # a scenario that has no more was none


def settled(world):
    """Both pods run, and no slot waits for a pod: one that is deleted sooner is waited for, for a minute."""
    return world.all_running(2, "work") and all(c.get("status", {}).get("phase") == "Initialized" for c in world.list("claims"))


def scenario(world, keep_alive):
    """Pods get nodes, one node is taken back, its pod gets another, all is given back. `keep_alive` is called while waiting."""
    def wait(what, condition, seconds, every_s=0.2):
        def turn():
            keep_alive()
            return condition()
        world.wait(what, turn, seconds, every_s)
        steps.append(f"{what} {time.monotonic() - began:.1f} s")
    steps, began = [], time.monotonic()
    world.plane.admin.post(DEPLOYMENTS, deployment("work", 2, cpu="3"))
    wait("both run", lambda: settled(world), 90)
    claim = next(c for c in world.list("claims") if c.get("status", {}).get("instanceID"))
    lost = claim["status"]["instanceID"]
    world.aws.send(world.aws.spot_notice(lost))
    wait("the lost node was replaced", lambda: lost not in {i["id"] for i in world.aws.living()} and settled(world), 90)
    world.plane.admin.delete(DEPLOYMENTS + "/work")  # its pods go too
    wait("its pods are gone", lambda: not world.pods("work"), 60)
    wait("all was given back", world.empty, 90)
    wait("the queue is empty", lambda: world.aws.queue_length() == 0, 60)
    return "; ".join(steps)


def one_kill(world, number, after):
    """True where the scenario was over before the n-th effect."""
    stop = f"{number},{'after' if after else 'before'}"
    controller = Controller(world, "stoker", (*QUICK, "--stop-at-effect", stop))
    plain = Controller(world, "stoker", QUICK)
    world.controllers[:] = [controller]
    controller.start(ready=False)
    died = []

    def keep_alive():
        if not died and not controller.part.alive():
            died.append(controller.part.process.returncode)
            world.controllers[:] = [plain]
            plain.start(ready=False)
        for one in world.controllers:
            check(one.part.alive(), f"it ended with {one.part.process.returncode}: {one.part.tail()}")
    try:
        told = scenario(world, keep_alive)
        with open(world.folder / "kills.log", "a", encoding="utf-8") as log:
            log.write(f"{stop}: {'killed' if died else 'not killed'}; {told}\n")
        check(not died or died[0] == -9, f"it was killed, and did not end by itself: {died}")
        invariants.check(world)
    except Failed as failed:
        raise Failed(f"killed at effect {stop}: {failed}") from None
    for one in (controller, plain):
        one.part.stop()
    return not died


def walk(world, numbers, killed):
    """`numbers`: of effects, and whether to kill after them. Ends with the first that the scenario does not have."""
    world.killed_on_purpose = True
    world.provision(template(), provisioner(requirements=ONE_A_NODE, ttl=1))
    # A message that the open poll of a dead process is given comes again only after 20 s: no poll is open for long.
    world.aws.set(visible_s=0.5, pending_s=0.1, poll_s=1)
    for number, after in numbers:
        if one_kill(world, number, after):
            return
        killed.append((number, after))


def effects(first, every):
    """Every `every`-th from `first`, as walk() takes them."""
    number = first
    while True:
        if ALL:
            yield number, False
            yield number, True
        else:
            yield number, (number // STEP) % 2 == 1
        number += every


@case(boot_s=BOOT_S)
def kill_at_every_effect(world):
    """Stopped dead at an effect and started again: nothing leaked, nothing launched twice, all pods served."""
    killed, problems = [], []

    def take(number, own, begin):
        try:
            begin()
            walk(own, effects(1 + number * STEP, WALKS * STEP), killed)
        except Failed as failed:
            problems.append(f"walk {number}: {failed}")
            invariants.keep_picture(own)
        except Exception:
            problems.append(f"walk {number}: {traceback.format_exc()}")

    def in_own_world(number):
        # Processes die with the thread that started them: this world is made and torn down in its walk's own.
        own = World(world.folder / f"walk-{number}", boot_s=BOOT_S, seed=number)

        def begin():
            own.start()
            own.install()
        try:
            take(number, own, begin)
        finally:
            own.stop()
    others = [threading.Thread(target=in_own_world, args=(number,)) for number in range(1, WALKS)]
    for one in others:
        one.start()
    take(0, world, lambda: None)
    for one in others:
        one.join()
    check(not problems, "; ".join(problems))
    last = max(number for number, _ in killed)
    check(last > FEW_EFFECTS, f"the scenario has effects: {last}, killed {len(killed)} times")
