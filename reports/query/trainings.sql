-- Trainings of classifiers with curves.
SELECT run.id AS id, run.key AS key, run.task AS task, run.kind AS kind, run.seed AS seed,
       run.data_sha AS data_sha, run.rev AS rev, run.finished AS finished,
       coalesce(cast(json_extract(run.args, '$.phi') AS TEXT), '') AS phi, coalesce(json_extract(run.args, '$.out'), '') AS out,
       (SELECT max(step) FROM curve WHERE curve.run = run.id) AS last_step
FROM run
WHERE run.kind IN ('finetune', 'adapt') AND run.finished IS NOT NULL AND EXISTS (SELECT 1 FROM curve WHERE curve.run = run.id)
ORDER BY task, kind DESC, cast(phi AS REAL), seed, id
