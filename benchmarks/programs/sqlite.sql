-- A workload for sqlite3 in memory; SCALE is replaced by the number of rows.
PRAGMA journal_mode = OFF;
CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT, category INTEGER, price REAL, note TEXT);
WITH RECURSIVE counter(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counter WHERE n < SCALE)
INSERT INTO item
SELECT n, 'item ' || (n * 7919 % 100003), n % 97, n * 13 % 1009 / 10.0,
       substr(hex(zeroblob(100)), 1, 10 + n % 150)
FROM counter;
CREATE INDEX item_name ON item (name);
CREATE INDEX item_category ON item (category, price);
SELECT category, count(*), round(sum(price), 2), max(name) FROM item GROUP BY category ORDER BY 1;
SELECT count(*) FROM item a JOIN item b ON a.name = b.name AND a.id < b.id;
UPDATE item SET note = note || name, price = price * 1.1 WHERE category % 3 = 0;
DELETE FROM item WHERE category % 5 = 1;
SELECT name, group_concat(id) FROM item GROUP BY name ORDER BY count(*) DESC, name LIMIT 10;
SELECT sum(length(note)), round(sum(price), 2), count(*) FROM item;
