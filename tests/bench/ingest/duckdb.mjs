// DuckDB as a contender of tests/bench/run ingest: node duckdb.mjs batches|file CLEAN_CSV DATABASE
// Prints {"seconds": …, "rows": …, "changed": …}.
import { DuckDBInstance } from '@duckdb/node-api';

const BATCH_ROWS = 10000;
const COLUMNS = `{'code': 'VARCHAR', 'unit_id': 'VARCHAR', 'procedure_code': 'VARCHAR', 'field': 'VARCHAR',
  'received': 'TIMESTAMPTZ', 'channel': 'SMALLINT', 'service_level': 'SMALLINT', 'status': 'SMALLINT',
  'updated': 'TIMESTAMPTZ'}`;

const [mode, cleanCsv, database] = process.argv.slice(2);
const csv = `read_csv('${cleanCsv}', header = false, columns = ${COLUMNS})`;
// A key may be written once a statement: the newest row of each.
const newest = 'QUALIFY row_number() OVER (PARTITION BY code ORDER BY updated DESC) = 1';

const instance = await DuckDBInstance.create(database);
const connection = await instance.connect();
await connection.run(`CREATE TABLE dossiers (code VARCHAR PRIMARY KEY, unit_id VARCHAR, procedure_code VARCHAR,
  field VARCHAR, received TIMESTAMPTZ, channel SMALLINT, service_level SMALLINT, status SMALLINT, updated TIMESTAMPTZ)`);

let start;
if (mode === 'file') {
  start = process.hrtime.bigint();
  await connection.run(`INSERT OR REPLACE INTO dossiers SELECT * FROM ${csv} ${newest}`);
} else {
  // The rows wait in memory, as in every client here.
  await connection.run("ATTACH ':memory:' AS source");
  await connection.run(`CREATE TABLE source.staged AS
    SELECT *, ((row_number() OVER () - 1) // ${BATCH_ROWS})::INTEGER AS batch FROM ${csv}`);
  const [[batches]] = await values('SELECT max(batch) + 1 FROM source.staged');
  start = process.hrtime.bigint();
  for (let batch = 0; batch < batches; ++batch) {
    await connection.run(`INSERT OR REPLACE INTO dossiers
      SELECT * EXCLUDE (batch) FROM source.staged WHERE batch = ${batch} ${newest}`);
  }
}
const seconds = Number(process.hrtime.bigint() - start) / 1e9;

const [[changed]] = await values('SELECT count(*) FROM dossiers');
const [[rows]] = await values(`SELECT count(*) FROM ${csv}`);
console.log(JSON.stringify({ seconds, rows: Number(rows), changed: Number(changed) }));

async function values(sql) {
  return (await connection.runAndReadAll(sql)).getRows();
}
