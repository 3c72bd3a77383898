import { Stock } from '../stock/stock.ts'

/**
 * What may be had of something in all, e.g. of a SKU by one customer: held, allocated and given back as stock is, by the
 * same code. There are no goods; how many units there are comes with each `reserve`. It tells nobody: its name may stand
 * for a person, and the log is kept for ever.
 */
export class Quota extends Stock {
  protected override get isSilent(): boolean {
    return true
  }
}
