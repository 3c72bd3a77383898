/**
 * Who may know whom. Rooms of the worker know only rooms before them in ORDER; objects know the schema and other
 * objects' clients; the schema knows nobody. `npm test` runs it.
 */
const ORDER = [
  'auth',
  'stores',
  'money',
  'events',
  'images',
  'stock',
  'catalogue',
  'customers',
  'payments',
  'carts',
  'checkout',
  'orders',
  'reconcile',
]
/** Middleware and reply forms may know who asks and for which store, nothing of commerce. */
const roomRules = ORDER.map((room, index) => ({
  name: `room-${room}-knows-only-earlier-rooms`,
  severity: 'error',
  from: { path: `^worker/${room}/` },
  to: { path: `^worker/(${[...ORDER.slice(index + 1), 'webhooks'].join('|')})/` },
}))

module.exports = {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'schema-knows-nobody',
      severity: 'error',
      from: { path: '^schema/' },
      to: { path: '^(worker|durable-objects|test|scripts)/' },
    },
    {
      name: 'runtime-knows-nobody',
      severity: 'error',
      from: { path: '^runtime/' },
      to: { path: '^(worker|durable-objects|schema|test|scripts)/' },
    },
    {
      name: 'objects-know-no-worker',
      severity: 'error',
      from: { path: '^durable-objects/' },
      to: { path: '^worker/' },
    },
    {
      name: 'objects-know-others-by-client',
      severity: 'error',
      // A quota is a Stock object under another name.
      from: { path: '^durable-objects/([^/]+)/', pathNot: '^durable-objects/quota/quota\\.ts$' },
      to: {
        path: '^durable-objects/[^/]+/',
        pathNot: ['^durable-objects/$1/', '^durable-objects/[^/]+/client\\.ts$'],
      },
    },
    {
      name: 'worker-knows-objects-by-client',
      severity: 'error',
      from: { path: '^worker/', pathNot: '^worker/index\\.ts$' },
      to: { path: '^durable-objects/', pathNot: '/client\\.ts$' },
    },
    {
      name: 'webhooks-knows-no-commerce',
      severity: 'error',
      from: { path: '^worker/webhooks/' },
      to: { path: '^worker/(images|stock|catalogue|customers|payments|carts|checkout|orders|reconcile)/' },
    },
    {
      name: 'no-junk-drawers',
      severity: 'error',
      from: {},
      to: { path: '(^|/)(utils|helpers|common|misc|lib|shared)(/|\\.ts$)', pathNot: 'node_modules' },
    },
    { name: 'code-knows-no-tests', severity: 'error', from: { pathNot: '^test/' }, to: { path: '^test/' } },
    ...roomRules,
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'types'] },
  },
}
