-- A database of version 2, as sqlite3 reads it: every later version must still open it. Run 1 is dense, run 2 drops tokens
-- of the same three examples, run 3 is a training that goes on, run 4 a regression without labels. The shape is 2 layers of
-- 4 with 8; FLOPs are worked by hand (engine/flops.c): with k rows kept, layer 0 takes 128 k + 16 k^2 + 128 k, layer 1
-- 64 k + 64 + 16 k + 128, the head 48.
PRAGMA application_id = 0x41644c52;
PRAGMA user_version = 2;
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
CREATE TABLE example(
 run INTEGER NOT NULL REFERENCES run(id) ON DELETE CASCADE,
 idx INTEGER NOT NULL CONSTRAINT idx_is_not_negative CHECK (idx >= 0),
 gold REAL, pred REAL, logits TEXT NOT NULL, tokens INTEGER NOT NULL, rows TEXT NOT NULL,
 flops INTEGER NOT NULL, dense_flops INTEGER NOT NULL,
 PRIMARY KEY(run, idx)
) STRICT, WITHOUT ROWID;
CREATE TABLE trace(
 run INTEGER NOT NULL REFERENCES run(id) ON DELETE CASCADE,
 idx INTEGER NOT NULL CONSTRAINT idx_is_not_negative CHECK (idx >= 0),
 tokens TEXT NOT NULL,
 PRIMARY KEY(run, idx)
) STRICT;
CREATE TABLE timing(
 run INTEGER NOT NULL REFERENCES run(id) ON DELETE CASCADE,
 arm TEXT NOT NULL CONSTRAINT arm_is_known CHECK (arm IN ('policy', 'dense')),
 turn INTEGER NOT NULL, batch INTEGER NOT NULL, ns INTEGER NOT NULL,
 PRIMARY KEY(run, arm, turn, batch)
) STRICT, WITHOUT ROWID;
CREATE TABLE metric(
 run INTEGER NOT NULL REFERENCES run(id) ON DELETE CASCADE,
 name TEXT NOT NULL CONSTRAINT name_is_not_empty CHECK (name <> ''),
 value REAL, lo REAL, hi REAL,
 PRIMARY KEY(run, name)
) STRICT, WITHOUT ROWID;
CREATE VIEW length(run, idx, layer, rows) AS
 SELECT run, idx, r.key, r.value FROM example, json_each(example.rows) AS r;
CREATE VIEW token(run, idx, pos, died_at, score) AS
 SELECT run, idx, t.key,
  CASE t.type WHEN 'array' THEN json_extract(t.value, '$[0]') ELSE t.value END,
  CASE t.type WHEN 'array' THEN json_extract(t.value, '$[1]') END
 FROM trace, json_each(trace.tokens) AS t;
INSERT INTO run VALUES
 (1, 'd0d0d0d0aaaa', 'eval', 'sst2', 'dev', 'none', '{"model":"runs/dense","config":{"L":2,"H":4,"A":1,"D":4,"F":8,"K":0,"C":2},"classes":2,"batch":2,"metrics":["accuracy","f1"],"labels":["negative","positive"],"cpu":"a processor","max_length":64}', 1, 'm1', 'd1', 'r1', 1, '2022-05-22T09:30:00Z', '2022-05-22T09:31:00Z'),
 (2, 'fafafafabbbb', 'eval', 'sst2', 'dev', 'random:keep=0.5,seed=3', '{"model":"runs/fast, \"quick\"","config":{"L":2,"H":4,"A":1,"D":4,"F":8,"K":0,"C":2},"classes":2,"batch":2,"metrics":["accuracy","f1"],"labels":["negative","positive"]}', 3, 'm2', 'd1', 'r1', 1, '2022-05-22T09:32:00Z', '2022-05-22T09:33:00Z'),
 (3, 'c0ffee030000', 'adapt', 'sst2', 'train', NULL, '{"phi": 0.005}', 7, 'm1', 'd2', 'r1', 2, '2022-05-23T00:00:00Z', NULL),
 (4, 'fafacccc0000', 'eval', 'stsb', 'test', 'none', '{"model":"runs/stsb","config":{"L":2,"H":4,"A":1,"D":4,"F":8,"K":0,"C":1},"classes":0,"batch":8,"metrics":["pearson","spearman"]}', 0, 'm3', 'd3', 'r1', 4, '2022-05-24T00:00:00Z', '2022-05-24T00:00:01Z');
INSERT INTO example VALUES
 (1, 0, 0, 0, '[1.5,-0.5]', 4, '[4,4]', 1840, 1840), (1, 1, 1, 1, '[0,0.25]', 3, '[3,3]', 1392, 1392), (1, 2, 1, 1, '[-1,1]', 2, '[2,2]', 976, 976),
 (2, 0, 0, 0, '[1.25,-0.5]', 4, '[3,2]', 1312, 1840), (2, 1, 1, 0, '[0.5,0.25]', 3, '[2,2]', 976, 1392), (2, 2, 1, 1, '[-1,1]', 2, '[1,1]', 592, 976),
 (4, 0, NULL, 2.5, '[2.5]', 3, '[3,3]', 1392, 1392);
INSERT INTO trace VALUES (2, 0, '[[2,0.5],[0,0.125],[1,0.25],[2,null]]'), (2, 1, '[[2,1],[2,0.5],[0,0]]'), (2, 2, '[[2,1],[0,0]]');
INSERT INTO timing VALUES
 (1, 'policy', 0, 0, 4000000000), (1, 'policy', 0, 1, 1000000000),
 (2, 'dense', 0, 0, 4000000000), (2, 'dense', 0, 1, 1000000000), (2, 'dense', 1, 0, 5000000000), (2, 'dense', 1, 1, 1000000000),
 (2, 'policy', 0, 0, 2000000000), (2, 'policy', 0, 1, 500000000), (2, 'policy', 1, 0, 2000000000), (2, 'policy', 1, 1, 1000000000);
INSERT INTO metric VALUES
 (1, 'accuracy', 1, 0.4385, 1), (1, 'flops_speedup', 1, 1, 1), (1, 'time_speedup', 1, 1, 1), (1, 'examples', 3, NULL, NULL),
 (1, 'kept/layer-0', 1, NULL, NULL), (1, 'kept/layer-1', 1, NULL, NULL),
 (2, 'accuracy', 0.6666666666666666, 0.2077, 0.9385), (2, 'f1', 0.6666666666666666, NULL, NULL), (2, 'flops_speedup', 1.4611111111111112, 1.4, 1.6), (2, 'time_speedup', 2, 1.95, 2.05),
 (2, 'examples', 3, NULL, NULL), (2, 'kept/layer-0', 0.6666666666666666, NULL, NULL), (2, 'kept/layer-1', 0.5555555555555556, NULL, NULL),
 (4, 'pearson', NULL, NULL, NULL), (4, 'examples', 1, NULL, NULL), (4, 'flops_speedup', 1, 1, 1);
INSERT INTO curve VALUES (3, 10, 'loss', 0.5);
