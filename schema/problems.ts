/**
 * The closed list of problem codes (RFC 9457 `code` member), published at /docs/errors. A code is a
 * promise: it may be added, never renamed or given another status.
 */
export const PROBLEMS = {
  // 400: the request is malformed
  malformed_request: {
    status: 400,
    title: 'The request is malformed',
    next: 'Read `errors`; each has a JSON Pointer to the field.',
  },
  malformed_json: { status: 400, title: 'The body is not JSON', next: 'Send valid JSON in UTF-8.' },
  idempotency_key_missing: {
    status: 400,
    title: 'Idempotency-Key is required here',
    next: 'Send a fresh unique key with each new operation and the same one with each retry.',
  },
  idempotency_key_invalid: {
    status: 400,
    title: 'Idempotency-Key is not usable',
    next: 'Use 1 to 255 printable ASCII characters, 22 or more on routes without a credential.',
  },
  cursor_invalid: {
    status: 400,
    title: 'The cursor is not one of ours',
    next: 'Start again without `cursor`.',
  },
  // 401, 403
  unauthorized: {
    status: 401,
    title: 'A valid credential is required',
    next: 'Send `Authorization: Bearer {api key}`.',
  },
  scope_missing: {
    status: 403,
    title: 'The key lacks a scope',
    next: 'Ask for a key with the scope named in `detail`.',
  },
  // 402
  payment_declined: {
    status: 402,
    title: 'The payment was declined',
    next: 'Offer another means of payment; the cart is open again.',
  },
  // 404
  not_found: {
    status: 404,
    title: 'There is nothing here',
    next: 'Check the address against /openapi.json.',
  },
  store_not_found: { status: 404, title: 'No such store', next: 'Check the Holdfast-Store header.' },
  market_not_found: { status: 404, title: 'No such market', next: 'GET /v1/store lists the markets.' },
  product_not_found: { status: 404, title: 'No such product', next: 'GET /v1/products lists them.' },
  category_not_found: { status: 404, title: 'No such category', next: 'GET /v1/categories lists them.' },
  sku_not_found: { status: 404, title: 'No such SKU', next: 'GET /v1/products?sku= looks one up.' },
  item_not_found: { status: 404, title: 'No such stock item', next: 'Receive stock for it first.' },
  location_not_found: {
    status: 404,
    title: 'No such location',
    next: 'PUT /v1/admin/locations/{code} creates it.',
  },
  transfer_not_found: {
    status: 404,
    title: 'No such transfer',
    next: 'GET /v1/admin/transfers lists them.',
  },
  arrival_not_found: {
    status: 404,
    title: 'Nothing is expected under this reference',
    next: 'GET /v1/admin/stock/{item} lists the arrivals.',
  },
  image_not_found: {
    status: 404,
    title: 'No such image',
    next: 'Use the `url` that the catalogue or the upload answered.',
  },
  cart_not_found: { status: 404, title: 'No such cart', next: 'POST /v1/carts makes a new one.' },
  order_not_found: { status: 404, title: 'No such order', next: 'Check the id and the Order-Token.' },
  fulfillment_not_found: {
    status: 404,
    title: 'The order has no such fulfillment',
    next: 'Read the order.',
  },
  return_not_found: { status: 404, title: 'The order has no such return', next: 'Read the order.' },
  payment_not_found: { status: 404, title: 'No such payment', next: 'Check `paymentId`.' },
  shipping_method_not_found: {
    status: 404,
    title: 'No such shipping method',
    next: 'GET /v1/carts/{cartId}/shipping-methods lists them.',
  },
  discount_not_found: { status: 404, title: 'No such discount', next: 'Check the code.' },
  tax_rate_not_found: { status: 404, title: 'No such tax rate', next: 'GET /v1/admin/tax-rates lists them.' },
  api_key_not_found: { status: 404, title: 'No such API key', next: 'GET /v1/admin/api-keys lists them.' },
  webhook_endpoint_not_found: {
    status: 404,
    title: 'No such webhook endpoint',
    next: 'GET /v1/webhook-endpoints lists them.',
  },
  // 409: the state refuses
  insufficient_stock: {
    status: 409,
    title: 'There is not enough stock',
    next: '`lines[].available` is the most each line could be set to.',
  },
  total_changed: {
    status: 409,
    title: 'The total is another than expected; nothing was charged',
    next: 'Show the cart again and ask for consent.',
  },
  cart_incomplete: {
    status: 409,
    title: 'The cart is not ready for checkout',
    next: '`missing` names what to PATCH first.',
  },
  cart_closed: {
    status: 409,
    title: 'The cart is closed',
    next: 'When it was completed, `order` names its order; otherwise make a new cart.',
  },
  cart_full: {
    status: 409,
    title: 'The cart has no room for this',
    next: 'Remove lines or lower quantities.',
  },
  checkout_in_progress: {
    status: 409,
    title: 'A checkout of this cart is running',
    next: 'Repeat with the same Idempotency-Key after Retry-After.',
  },
  country_not_in_market: {
    status: 409,
    title: 'The market does not serve this country',
    next: 'Choose another market or address.',
  },
  currency_not_in_market: {
    status: 409,
    title: 'A line has no price in this market',
    next: 'Choose another market or remove the line.',
  },
  shipping_method_unavailable: {
    status: 409,
    title: 'The shipping method does not serve this address',
    next: 'GET shipping-methods lists those that do.',
  },
  quantity_limit_exceeded: {
    status: 409,
    title: 'The quantity is above the limit for this SKU',
    next: '`limit` is the most one order may have.',
  },
  customer_limit_exceeded: {
    status: 409,
    title: 'The customer has the most units one customer may have',
    next: '`lines[].available` is the most each line could be set to for this contact.',
  },
  discount_unavailable: {
    status: 409,
    title: 'The discount cannot be used',
    next: '`reason` says why; `discount` is the code. Remove it, or use another one.',
  },
  not_on_sale: {
    status: 409,
    title: 'This is not on sale now',
    next: '`saleStartsAt` and `saleEndsAt` say when it is.',
  },
  stock_conflict: {
    status: 409,
    title: 'The stock is not as the command expects',
    next: 'Read the levels and decide again.',
  },
  order_state_conflict: {
    status: 409,
    title: 'The order is not in a state that allows this',
    next: 'Read the order and decide again.',
  },
  request_in_progress: {
    status: 409,
    title: 'The same request is still running',
    next: 'Repeat after Retry-After.',
  },
  resource_in_use: { status: 409, title: 'It is still in use', next: 'Remove what refers to it first.' },
  sku_conflict: { status: 409, title: 'Another product has this SKU', next: 'Give the variant another SKU.' },
  endpoint_limit_reached: {
    status: 409,
    title: 'The store has its maximum of webhook endpoints',
    next: 'Delete one first.',
  },
  limit_reached: {
    status: 409,
    title: 'The store has its maximum of these',
    next: '`limit` is the most one store may have; delete one first.',
  },
  jurisdiction_conflict: {
    status: 409,
    title: 'Jurisdiction and region are fixed at creation',
    next: 'Create another store.',
  },
  stale_version: {
    status: 409,
    title: 'A newer command was already applied',
    next: 'Read the state and decide again.',
  },
  reservation_ended: { status: 409, title: 'The hold has ended', next: 'Hold again.' },
  lease_lost: { status: 409, title: 'Another runner took over', next: 'Nothing to do.' },
  // 412, 413, 415, 416, 422, 428
  precondition_failed: {
    status: 412,
    title: 'If-Match names another version',
    next: 'GET it again and repeat the change.',
  },
  body_too_large: {
    status: 413,
    title: 'The body is too large',
    next: '`limitBytes` is the most this route takes.',
  },
  unsupported_media_type: {
    status: 415,
    title: 'The Content-Type is not taken here',
    next: 'Send application/json, or a supported image type on image routes.',
  },
  range_not_satisfiable: {
    status: 416,
    title: 'The range is outside of the file',
    next: '`Content-Range` tells its size.',
  },
  idempotency_key_reused: {
    status: 422,
    title: 'The Idempotency-Key was used with another body',
    next: 'Use a fresh key for a new operation.',
  },
  // 429, 5xx
  rate_limited: { status: 429, title: 'Too many requests', next: 'Repeat after Retry-After.' },
  internal_error: {
    status: 500,
    title: 'We failed',
    next: 'Repeat with the same Idempotency-Key; tell us the requestId.',
  },
  payment_provider_unavailable: {
    status: 503,
    title: 'The payment provider does not answer',
    next: 'Nothing was charged; repeat after Retry-After.',
  },
  unavailable: {
    status: 503,
    title: 'A part of the service does not answer',
    next: 'Repeat with the same Idempotency-Key after Retry-After.',
  },
} as const satisfies Record<string, { status: number; title: string; next: string }>

export type ProblemCode = keyof typeof PROBLEMS
