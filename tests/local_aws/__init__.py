"""An AWS on the developer's own machine: MiniStack with the services and resource types that it lacks."""
