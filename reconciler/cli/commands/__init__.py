"""One module a command; `cli.main.COMMANDS` names them."""
