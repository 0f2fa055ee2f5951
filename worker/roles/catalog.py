"""What Postgres says of roles, tables and rights: the queries."""

ROLES = """
SELECT rolname, rolcanlogin, rolsuper OR rolcreatedb OR rolcreaterole OR rolreplication
    OR rolbypassrls AS mighty, rolconnlimit,
    (SELECT split_part(one, '=', 2) FROM unnest(rolconfig) AS one
     WHERE one LIKE 'statement_timeout=%%') AS timeout
FROM pg_roles WHERE rolname = ANY(%s)
"""
MEMBERS = """
SELECT g.rolname, m.rolname FROM pg_auth_members AS a
JOIN pg_roles AS g ON g.oid = a.roleid JOIN pg_roles AS m ON m.oid = a.member
WHERE m.rolname = ANY(%s)
"""
COLUMNS = """
SELECT n.nspname, c.relname, a.attname
FROM pg_attribute AS a
JOIN pg_class AS c ON c.oid = a.attrelid
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname = ANY(%s) AND a.attnum > 0 AND NOT a.attisdropped
"""
# tables and views, and of the sequences those that a table owns, with its name
RELATIONS = """
SELECT n.nspname, c.relname, c.relkind::text, pg_get_userbyid(c.relowner), t.relname
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
LEFT JOIN pg_depend AS d ON c.relkind = 'S' AND d.classid = 'pg_class'::regclass AND d.objid = c.oid
    AND d.deptype IN ('a', 'i')
LEFT JOIN pg_class AS t ON t.oid = d.refobjid
WHERE n.nspname = ANY(%s) AND c.relkind IN ('r', 'p', 'v', 'm', 'S', 'c') ORDER BY 1, 2
"""
GRANTED = """
SELECT pg_get_userbyid(x.grantee), n.nspname, c.relname, x.privilege_type, NULL
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace, aclexplode(c.relacl) AS x
WHERE n.nspname = ANY(%(schemas)s) AND x.grantee IN (
    SELECT oid FROM pg_roles WHERE rolname = ANY(%(roles)s)
) AND x.grantee <> c.relowner
UNION ALL
SELECT pg_get_userbyid(x.grantee), n.nspname, c.relname, x.privilege_type, a.attname
FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid
JOIN pg_namespace AS n ON n.oid = c.relnamespace, aclexplode(a.attacl) AS x
WHERE n.nspname = ANY(%(schemas)s) AND x.grantee IN (
    SELECT oid FROM pg_roles WHERE rolname = ANY(%(roles)s)
) AND x.grantee <> c.relowner
"""
SCHEMA_GRANTS = """
SELECT pg_get_userbyid(x.grantee), n.nspname, x.privilege_type
FROM pg_namespace AS n, aclexplode(n.nspacl) AS x
WHERE n.nspname = ANY(%(schemas)s) AND x.grantee IN (
    SELECT oid FROM pg_roles WHERE rolname = ANY(%(roles)s)
) AND x.grantee <> n.nspowner
"""
ROUTINES = """
SELECT n.nspname, p.proname, pg_get_function_identity_arguments(p.oid)
FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = p.pronamespace
WHERE n.nspname = ANY(%s) AND pg_get_userbyid(p.proowner) <> %s ORDER BY 1, 2, 3
"""
# functions of Postgres itself that everybody may call, though nobody here shall, and who may
FUNCTIONS = """
SELECT p.proname, pg_get_function_identity_arguments(p.oid), array(
    SELECT CASE x.grantee WHEN 0 THEN 'public' ELSE pg_get_userbyid(x.grantee) END
    FROM aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) AS x
) FROM pg_proc AS p
WHERE p.pronamespace = 'pg_catalog'::regnamespace
    AND (p.proname ~ '^pg_(try_)?advisory_' OR p.proname = ANY(%s)) ORDER BY 1, 2
"""
DATABASE_GRANTS = """
SELECT CASE x.grantee WHEN 0 THEN 'public' ELSE pg_get_userbyid(x.grantee) END, x.privilege_type
FROM pg_database AS d, aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) AS x
WHERE d.datname = current_database() AND x.grantee <> d.datdba
"""
DEFAULTS = """
SELECT pg_get_userbyid(x.grantee), d.defaclobjtype::text, x.privilege_type
FROM pg_default_acl AS d JOIN pg_namespace AS n ON n.oid = d.defaclnamespace,
    aclexplode(d.defaclacl) AS x
WHERE n.nspname = 'pgmq' AND pg_get_userbyid(d.defaclrole) = %s
"""

# whoever is neither a superuser nor a member of the workers' role may not speak for it
STRANGER = """
SELECT NOT rolsuper AND NOT EXISTS (
    SELECT FROM pg_roles WHERE rolname = 'surefield_worker' AND pg_has_role(oid, 'USAGE')
) FROM pg_roles WHERE rolname = current_user
"""
