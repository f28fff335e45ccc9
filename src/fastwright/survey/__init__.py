"""An application → an `AppMap`: from source alone (`static`), and united with the running app."""
