"""The tables that all areas share.  The tables of an area stand in the area."""
