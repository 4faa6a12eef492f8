-- Finished evaluations, those of one entry of a table one after the other. A run of a sweep is one of its family, another one
-- of its model; runs that differ in the training's seed are one entry.
SELECT run.id AS id,
       run.key AS key,
       run.task AS task,
       run.split AS split,
       run.policy AS policy,
       coalesce(json_extract(run.args, '$.family'), json_extract(run.args, '$.model')) AS family,
       replace(replace(run.policy, ',seed=' || run.seed, ''), ':seed=' || run.seed, '') ||
           coalesce(' as ' || json_extract(run.args, '$.counts'), '') AS kind,
       json_extract(run.args, '$.counts_model') AS counts_model,
       json_extract(run.args, '$.phi') AS phi,
       json_extract(run.args, '$.gamma') AS gamma,
       json_extract(run.args, '$.metrics[0]') AS metric,
       run.model_sha AS model_sha,
       run.data_sha AS data_sha,
       run.rev AS rev,
       coalesce(json_extract(run.args, '$.cpu'), '') AS cpu,
       coalesce(json_extract(run.args, '$.kernels'), '') AS kernels,
       run.finished AS finished,
       run.seed AS seed,
       run.threads AS threads,
       json_extract(run.args, '$.batch') AS batch,
       json_extract(run.args, '$.max_length') AS max_length,
       json_extract(run.args, '$.limit') AS sample_limit,
       examples.value AS examples,
       score.value AS score, score.lo AS score_lo, score.hi AS score_hi,
       flops.value AS flops, flops.lo AS flops_lo, flops.hi AS flops_hi,
       time.value AS time, time.lo AS time_lo, time.hi AS time_hi
FROM run
     LEFT JOIN metric AS examples ON examples.run = run.id AND examples.name = 'examples'
     LEFT JOIN metric AS score ON score.run = run.id AND score.name = json_extract(run.args, '$.metrics[0]')
     LEFT JOIN metric AS flops ON flops.run = run.id AND flops.name = 'flops_speedup'
     LEFT JOIN metric AS time ON time.run = run.id AND time.name = 'time_speedup'
WHERE run.kind = 'eval' AND run.finished IS NOT NULL AND json_extract(run.args, '$.shard') IS NULL
ORDER BY task, split, data_sha, family, kind, seed, model_sha, batch, threads, id
