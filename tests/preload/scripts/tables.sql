PRAGMA cache_size = 200;
CREATE TABLE item(id INTEGER PRIMARY KEY, name TEXT, weight REAL, note BLOB);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 30000)
INSERT INTO item SELECT i, 'name' || (i * 7919 % 10007), i * 0.25, zeroblob(i % 300) FROM n;
CREATE INDEX by_name ON item(name);
SELECT count(*), sum(weight), sum(length(note)) FROM item;
SELECT name, count(*) AS c FROM item GROUP BY name ORDER BY c DESC, name LIMIT 10;
UPDATE item SET note = randomblob(10) WHERE id % 3 = 0;
DELETE FROM item WHERE id % 7 = 0;
SELECT a.id, b.id FROM item a JOIN item b ON a.name = b.name AND a.id < b.id ORDER BY 1, 2 LIMIT 10;
SELECT group_concat(id) FROM (SELECT id FROM item WHERE name LIKE 'name99%' ORDER BY id);
VACUUM;
PRAGMA integrity_check;
