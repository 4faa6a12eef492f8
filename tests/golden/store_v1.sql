-- A database of version 1, as sqlite3 reads it: every later version must still open it. Three runs: a finished training
-- with two curves that share a measure, an undefined and an infinite value; one without points, with awkward texts;
-- one of evenly spaced points.
PRAGMA application_id = 0x41644c52;
PRAGMA user_version = 1;
PRAGMA journal_mode = WAL;
CREATE TABLE run(
 id INTEGER PRIMARY KEY,
 key TEXT NOT NULL UNIQUE CONSTRAINT key_is_not_empty CHECK (key <> ''),
 kind TEXT NOT NULL CONSTRAINT kind_is_not_empty CHECK (kind <> ''),
 task TEXT, split TEXT, policy TEXT,
 args TEXT NOT NULL, seed INTEGER NOT NULL, model_sha TEXT, data_sha TEXT, rev TEXT, threads INTEGER NOT NULL,
 started TEXT NOT NULL, finished TEXT
) STRICT;
CREATE TABLE curve(
 run INTEGER NOT NULL REFERENCES run(id) ON DELETE CASCADE,
 step INTEGER NOT NULL CONSTRAINT step_is_not_negative CHECK (step >= 0),
 name TEXT NOT NULL CONSTRAINT name_is_not_empty CHECK (name <> ''),
 value REAL,
 PRIMARY KEY(run, step, name)
) STRICT, WITHOUT ROWID;
INSERT INTO run VALUES
 (1, 'c0ffee01', 'finetune', 'sst2', 'train', NULL, '{"lr": 3e-05}', 42, 'm1', 'd1', 'r1', 2, '2022-05-22T09:30:00Z', '2022-05-22T10:00:00Z'),
 (2, 'c0ffee02', 'adapt', 'it''s `touch owned` "a", b' || char(9) || char(10) || 'c', NULL, 'adapler:eta=1', '{"a":' || char(10) || '"\n"}', 7, NULL, NULL, NULL, 1, '2022-05-23T00:00:00Z', NULL),
 (3, 'deadbeef', 'pretrain', NULL, NULL, NULL, '{}', 0, NULL, NULL, NULL, 4, '2022-05-24T00:00:00Z', NULL);
INSERT INTO curve VALUES
 (1, 0, 'loss', 0.75), (1, 10, 'loss', 0.1), (1, 20, 'loss', NULL), (1, 30, 'loss', 0.0625),
 (1, 10, 'dev/loss', 0.5), (1, 30, 'dev/loss', 9e999), (1, 30, 'dev/accuracy', 0.875);
INSERT INTO curve WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200)
 SELECT 3, 50 * i, 'loss', 7.0 / (1 + i / 40.0) + 3 + (i * 7919 % 100 - 50) / 250.0 FROM n;
INSERT INTO curve WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20)
 SELECT 3, 500 * i, 'dev/loss', 7.1 / (1 + i / 4.0) + 3.1 FROM n;
INSERT INTO curve WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20)
 SELECT 3, 500 * i, 'dev/masked_accuracy', 0.1 + 0.4 * i / 20.0 FROM n;
INSERT INTO curve WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200)
 SELECT 3, 50 * i, 'learning_rate', 1e-4 * min(i / 20.0, (200 - i) / 180.0) FROM n;
