-- A rotation looks for what waits, among all orders there ever were.
CREATE INDEX task_order_sealed ON task_order (key_id) WHERE key_id IS NOT NULL;
