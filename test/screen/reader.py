"""What a screen reader finds: the library that Orca itself uses (libatspi). Prints one JSON value for each request.

reader.py tree APP              everything the application shows: role, name, description, states, value, extents
reader.py listen APP            announcements and alerts, a line of JSON each, until it is ended
"""
import json
import sys

import gi

gi.require_version("Atspi", "2.0")
from gi.repository import Atspi  # noqa: E402

STATES = {
    "focusable": Atspi.StateType.FOCUSABLE,
    "focused": Atspi.StateType.FOCUSED,
    "sensitive": Atspi.StateType.SENSITIVE,
    "showing": Atspi.StateType.SHOWING,
}


def application(name):
    desktop = Atspi.get_desktop(0)
    for i in range(desktop.get_child_count()):
        one = desktop.get_child_at_index(i)
        if one is not None and one.get_name() == name:
            return one
    raise SystemExit(f"no application {name}")


def facts(thing):
    states = thing.get_state_set()
    told = {
        "role": thing.get_role_name(),
        "name": thing.get_name(),
        "description": thing.get_description(),
        "states": [name for name, state in STATES.items() if states.contains(state)],
    }
    component = thing.get_component_iface()
    if component is not None:
        box = Atspi.Component.get_extents(component, Atspi.CoordType.SCREEN)
        told["extents"] = [box.x, box.y, box.width, box.height]
    value = thing.get_value_iface()
    if value is not None:
        told["value"] = [Atspi.Value.get_minimum_value(value), Atspi.Value.get_current_value(value), Atspi.Value.get_maximum_value(value)]
    action = thing.get_action_iface()
    told["actions"] = 0 if action is None else Atspi.Action.get_n_actions(action)
    return told


def walk(thing, found):
    if thing is None:
        return
    told = facts(thing)
    if told["role"] != "application" and "showing" not in told["states"]:
        return
    found.append(told)
    for i in range(thing.get_child_count()):
        walk(thing.get_child_at_index(i), found)


def tree(name):
    found = []
    walk(application(name), found)
    print(json.dumps(found))


def listen(name):
    def heard(event):
        source = event.source
        app = source.get_application()
        if app is None or app.get_name() != name:
            return
        print(json.dumps({"type": event.type, "text": event.any_data if isinstance(event.any_data, str) else "",
                          "role": source.get_role_name(), "name": source.get_name()}), flush=True)

    listener = Atspi.EventListener.new(heard)
    for kind in sys.argv[3:]:
        listener.register(kind)
    print(json.dumps({"type": "ready"}), flush=True)
    Atspi.event_main()


{"tree": tree, "listen": listen}[sys.argv[1]](sys.argv[2])
