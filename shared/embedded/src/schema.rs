use rusqlite::{Connection, Row};

/// Marks the file as ours (SQLite's `application_id`), so that no other database is mistaken for it.
const APPLICATION_ID: i32 = 0x6872_6364;

/// How the schema came about. Step `n` (from 1) leads to version `n`; steps are only ever added.
pub(crate) const STEPS: &[&str] = &[
    include_str!("schema_1.sql"),
    include_str!("schema_2.sql"),
    include_str!("schema_3.sql"),
    include_str!("schema_4.sql"),
];

/// What a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    Nothing,
    Version(u32),
    SomethingElse,
}

pub(crate) fn inspect(conn: &Connection) -> rusqlite::Result<Found> {
    // One statement, because another process may be creating all that right now.
    let sql = "SELECT application_id, user_version, (SELECT count(*) FROM sqlite_schema)
               FROM pragma_application_id, pragma_user_version";
    let row = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
    let (id, version, tables): (i32, i32, i64) = conn.query_row(sql, [], row)?;
    Ok(match (id, u32::try_from(version)) {
        (APPLICATION_ID, Ok(version)) => Found::Version(version),
        (0, Ok(0)) if tables == 0 => Found::Nothing,
        _ => Found::SomethingElse,
    })
}

/// Brings the schema to the version after the last of `steps`, whole or not at all.
pub(crate) fn migrate(conn: &mut Connection, steps: &[&str]) -> rusqlite::Result<()> {
    let transaction = conn.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    // Another process may have been faster.
    let done = match inspect(&transaction)? {
        Found::Version(version) => version as usize,
        Found::Nothing | Found::SomethingElse => 0,
    };
    for (number, step) in (1_i32..).zip(steps).skip(done) {
        tracing::debug!(schema = number, "bringing the database to a new schema");
        transaction.execute_batch(step)?;
        transaction.pragma_update(None, "user_version", number)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.commit()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_run_once_and_in_order() {
        let mut conn = Connection::open_in_memory().unwrap();
        assert_eq!(inspect(&conn).unwrap(), Found::Nothing);
        migrate(&mut conn, &["CREATE TABLE a (x)"]).unwrap();
        assert_eq!(inspect(&conn).unwrap(), Found::Version(1));
        let steps = ["CREATE TABLE a (x)", "ALTER TABLE a ADD COLUMN y"];
        migrate(&mut conn, &steps).unwrap();
        migrate(&mut conn, &steps).unwrap();
        assert_eq!(inspect(&conn).unwrap(), Found::Version(2));
        conn.execute("INSERT INTO a (x, y) VALUES (1, 2)", []).unwrap();
    }

    #[test]
    fn a_step_that_fails_leaves_the_file_as_it_was() {
        let mut conn = Connection::open_in_memory().unwrap();
        migrate(&mut conn, &["CREATE TABLE a (x)"]).unwrap();
        let steps = ["CREATE TABLE a (x)", "CREATE TABLE b (x)", "no SQL"];
        migrate(&mut conn, &steps).unwrap_err();
        assert_eq!(inspect(&conn).unwrap(), Found::Version(1));
        conn.execute("INSERT INTO b (x) VALUES (1)", []).unwrap_err();
    }

    #[test]
    fn a_database_of_somebody_else_is_recognised() {
        let conn = Connection::open_in_memory().unwrap();
        conn.execute_batch("CREATE TABLE recipes (x)").unwrap();
        assert_eq!(inspect(&conn).unwrap(), Found::SomethingElse);
    }
}
