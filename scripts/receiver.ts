/** `npm run receiver -- --port 9999 --secret whsec_...`: shows webhook deliveries as they arrive, one line each. */
import { parseArgs } from 'node:util'
import { startReceiver } from './receiver/webhook-receiver.ts'

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '9999' },
    /** May be given twice: during a rotation both secrets sign. */
    secret: { type: 'string', multiple: true, default: [] },
    /** The first so many attempts are answered with 500, to see them come again. */
    fail: { type: 'string', default: '0' },
  },
})

const receiver = await startReceiver({
  port: Number(values.port),
  secrets: values.secret,
  failFirst: Number(values.fail),
  onAttempt({ type, subject, sequence, isVerified, status, id }) {
    const verdict = isVerified ? 'verified' : 'NOT VERIFIED'
    const answer = status < 300 ? '' : ` (refused with ${status})`
    console.log(`${type} ${subject} #${sequence} ${id} ${verdict}${answer}`)
  },
}).catch((error: Error) => {
  console.error(`cannot listen on port ${values.port}: ${error.message}`)
  process.exit(1)
})

console.log(`receiving on ${receiver.url}`)
