import type { EpochMs } from '../../runtime/clock.ts'
import type { StockPolicy } from '../../schema/rpc/stock.ts'

type SaleWindow = Pick<StockPolicy, 'saleStartsAt' | 'saleEndsAt'>

/** From `saleStartsAt` on, up to and without `saleEndsAt`; either may be open. */
export function isOnSale({ saleStartsAt, saleEndsAt }: SaleWindow, at: EpochMs): boolean {
  return (saleStartsAt === null || saleStartsAt <= at) && (saleEndsAt === null || at < saleEndsAt)
}

/** The next instant at which the sale begins or ends, for the band to follow it. */
export function nextSaleEdge({ saleStartsAt, saleEndsAt }: SaleWindow, at: EpochMs): EpochMs | null {
  const edges = [saleStartsAt, saleEndsAt].filter((edge) => edge !== null && edge > at) as EpochMs[]
  return edges.length === 0 ? null : Math.min(...edges)
}
