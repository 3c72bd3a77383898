-- How many units of a SKU one customer may have, beside the limit of one order. Products had it before in their document
-- only, where no cart looked.

ALTER TABLE variants ADD COLUMN max_per_customer INTEGER;

UPDATE variants SET max_per_customer = limited.most
  FROM (SELECT p.store, variant.value ->> 'sku' AS sku, variant.value ->> 'maxPerCustomer' AS most
    FROM products AS p, json_each(p.document, '$.variants') AS variant
    WHERE variant.value ->> 'maxPerCustomer' IS NOT NULL) AS limited
  WHERE variants.store = limited.store AND variants.sku = limited.sku;
