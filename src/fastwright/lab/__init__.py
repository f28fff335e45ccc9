"""The scratch world: the only package that starts processes or opens sockets."""
