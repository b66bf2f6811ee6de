"""The formats of an audit's report; each module renders one."""
