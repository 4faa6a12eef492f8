-- Finished comparisons of rationales, a row a method, those of one study (one adapted model beside one dense) together.
SELECT run.id AS id,
       run.key AS key,
       run.task AS data,
       run.split AS split,
       json_extract(run.args, '$.method') AS method,
       coalesce(json_extract(run.args, '$.adapted'), '') || '|' ||
           coalesce(json_extract(run.args, '$.dense'), '') || '|' ||
           coalesce(json_extract(run.args, '$.adapted_policy'), '') || '|' ||
           coalesce(json_extract(run.args, '$.dense_policy'), '') || '|' ||
           coalesce(json_extract(run.args, '$.aggregation'), '') || '|' ||
           coalesce(json_extract(run.args, '$.max_length'), '') || '|' ||
           coalesce(json_extract(run.args, '$.query'), '') || '|' ||
           coalesce(json_extract(run.args, '$.instances'), '') || '|' ||
           coalesce(json_extract(run.args, '$.windows'), '') AS study,
       coalesce(json_extract(run.args, '$.model'), '') AS model,
       json_extract(run.args, '$.adapted') AS adapted,
       json_extract(run.args, '$.dense') AS dense,
       run.policy AS policy,
       run.data_sha AS data_sha,
       run.rev AS rev,
       coalesce(json_extract(run.args, '$.cpu'), '') AS cpu,
       coalesce(json_extract(run.args, '$.kernels'), '') AS kernels,
       run.finished AS finished,
       run.seed AS seed,
       run.threads AS threads,
       json_extract(run.args, '$.L') AS L,
       json_extract(run.args, '$.layers') AS layers,
       json_extract(run.args, '$.mean_share') AS mean_share
FROM run
WHERE run.kind = 'rationale' AND run.finished IS NOT NULL
ORDER BY data, run.split, min(run.id) OVER (PARTITION BY study), run.id
