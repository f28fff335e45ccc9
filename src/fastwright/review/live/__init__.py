"""What only a running app can show: who gets which row, and what an app gives away.

All of it is pure as attacks are: handed a live app on a scratch database, it sends requests and
looks at what came back. Who boots the app, and boots it again when a route ends it, is not decided
here.
"""
