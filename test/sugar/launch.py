"""Starts an installed bundle with Sugar's own code, as its icon in the Home view does; prints the activity's id."""
import sys

import dbus
from dbus.mainloop.glib import DBusGMainLoop

DBusGMainLoop(set_as_default=True)
from gi.repository import GLib
from sugar3.activity import activityfactory
from sugar3.bundle.activitybundle import ActivityBundle

shell = dbus.Interface(dbus.SessionBus().get_object('org.laptop.Shell', '/org/laptop/Shell'), 'org.laptop.Shell')
handler = activityfactory.create(ActivityBundle(shell.GetBundlePath(sys.argv[1])))
# The factory asks the datastore and the shell first, and starts the process from the main loop.
loop = GLib.MainLoop()
GLib.timeout_add(1000, loop.quit)
loop.run()
print(handler._handle.activity_id)
