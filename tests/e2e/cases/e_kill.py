"""kill -9 at every effect in turn: before and after the n-th outgoing call, n = 1, 2, 3 … until the scenario passes without it."""
import os

from world import invariants, manifests
from world.controller import Controller
from world.manifests import deployment, provisioner, template
from world.parts import Failed

from . import case, check
from .d_faults import ONE_A_NODE

# All of them take an hour: `make e2e` takes every STEP-th call, E2E_KILLS=all each.
STEP = 1 if os.environ.get("E2E_KILLS") == "all" else int(os.environ.get("E2E_KILLS") or 12)


def scenario(world, keep_alive):
    """Pods get nodes, one node is taken back, its pod gets another, all is given back. `keep_alive` is called while waiting."""
    def wait(what, condition, seconds):
        def turn():
            keep_alive()
            return condition()
        world.wait(what, turn, seconds)
    world.plane.apply(deployment("work", 2, cpu="3"))
    wait("both run", lambda: world.all_running(2, "work"), 90)
    claim = next(c for c in world.list("claims") if c.get("status", {}).get("instanceID"))
    lost = claim["status"]["instanceID"]
    world.aws.send(world.aws.spot_notice(lost))
    wait("the lost node was replaced", lambda: lost not in {i["id"] for i in world.aws.living()} and world.all_running(2, "work"), 90)
    world.plane.kubectl("delete", "deployment", "work", "--wait=false")
    wait("all was given back", world.empty, 90)
    wait("the queue is empty", lambda: world.aws.queue_length() == 0, 60)


def one_kill(world, number, after):
    """True where the scenario was over before the n-th call."""
    controller = Controller(world, "stoker", ("--stop-at-call", f"{number},after" if after else str(number)))
    plain = Controller(world, "stoker")
    world.controllers[:] = [controller]
    controller.start(ready=False)
    died = []

    def keep_alive():
        if not died and not controller.part.alive():
            died.append(controller.part.process.returncode)
            world.controllers[:] = [plain]
            plain.start(ready=False)
    try:
        scenario(world, keep_alive)
        invariants.check(world)
    except Failed as failed:
        raise Failed(f"killed {'after' if after else 'before'} call {number}: {failed}") from None
    for one in (controller, plain):
        if one.part.process:
            one.part.stop()
    return not died


@case(boot_s=(0.5, 1))
def kill_at_every_call(world):
    """Stopped dead at an outgoing call and started again: nothing leaked, nothing launched twice, all pods served."""
    world.killed_on_purpose = True
    world.provision(template(), provisioner(requirements=ONE_A_NODE, ttl=3))
    world.aws.set(visible_s=0.5, pending_s=0.2)
    kills = 0
    for after in (False, True):
        number = 1 if STEP == 1 else 1 + STEP // 2 * after
        while not one_kill(world, number, after):
            kills += 1
            number += STEP
    check(kills > 4, f"the scenario makes calls: {kills} kills")
