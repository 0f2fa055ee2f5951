"""The database's history, shipped with the package: ``surefield`` brings any database up to date by
itself.
"""
