"""Starts an installed bundle with Sugar's own code, as its icon in the Home view or an entry of the Journal does:
launch.py BUNDLE-ID [ACTIVITY-ID OBJECT-ID]. Prints the activity's id."""
import sys

import dbus
from dbus.mainloop.glib import DBusGMainLoop

DBusGMainLoop(set_as_default=True)
from gi.repository import GLib
from sugar3.activity import activityfactory
from sugar3.activity.activityhandle import ActivityHandle
from sugar3.bundle.activitybundle import ActivityBundle

shell = dbus.Interface(dbus.SessionBus().get_object('org.laptop.Shell', '/org/laptop/Shell'), 'org.laptop.Shell')
bundle_id, *resumed = sys.argv[1:]
handle = ActivityHandle(activity_id=resumed[0], object_id=resumed[1]) if resumed else None
handler = activityfactory.create(ActivityBundle(shell.GetBundlePath(bundle_id)), handle)
# The factory asks the datastore and the shell first, and starts the process from the main loop.
loop = GLib.MainLoop()
GLib.timeout_add(1000, loop.quit)
loop.run()
print(handler._handle.activity_id)
