import type { ReceivedAttempt } from './webhook-receiver.ts'

/**
 * What is wrong with the acknowledged deliveries of one endpoint: events of a subject out of order, a gap, or a delivery that
 * no secret signed. A delivery repeated after a lost acknowledgement is right (at least once), one that goes back is not.
 */
export function deliveryFaults(attempts: readonly ReceivedAttempt[]): string[] {
  const faults: string[] = []
  const lastOf = new Map<string, number>()
  for (const { isVerified, status, id, subject, sequence } of attempts) {
    if (!isVerified) faults.push(`${id} is not signed by the endpoint's secret`)
    if (status >= 300) continue
    const last = lastOf.get(subject)
    if (last !== undefined && sequence !== last && sequence !== last + 1) {
      faults.push(`${subject}: ${sequence} came after ${last}`)
    }
    lastOf.set(subject, Math.max(sequence, last ?? sequence))
  }
  return faults
}
