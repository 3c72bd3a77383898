import { readFileSync } from 'node:fs'
import { parse } from 'csv-parse/sync'
import type { CartLine } from '../../scripts/shopper.ts'

/** One day of invoices as a shop could have sold them. */
export interface TradingDay {
  /** In the order of the file. */
  invoices: { number: string; lines: CartLine[] }[]
  goods: Goods[]
  /** Rows left out, by reason. */
  leftOut: Record<string, number>
}

export interface Goods {
  sku: string
  title: string
  /** Pence; the price of its first sale that day. */
  priceMinor: number
  /** Units asked for by all invoices together. */
  demand: number
}

interface Row {
  InvoiceNo: string
  StockCode: string
  Description: string
  Quantity: string
  UnitPrice: string
}

/**
 * Goods have codes that begin with five digits (85123A, 84029G); everything else is no goods: POST and DOT (postage), D (discount),
 * M (manual), C2 (carriage), BANK CHARGES and their like.
 */
const GOODS_CODE = /^\d{5}/

/** Reads a day of the "Online Retail" data; what is not a sale of goods is left out and counted. */
export function readDay(path: string): TradingDay {
  const rows: Row[] = parse(readFileSync(path), { columns: true, bom: true, skip_empty_lines: true })
  const invoices = new Map<string, Map<string, number>>()
  const goods = new Map<string, Goods>()
  const leftOut: Record<string, number> = {}
  for (const row of rows) {
    const reason = reasonToLeaveOut(row)
    if (reason) {
      leftOut[reason] = (leftOut[reason] ?? 0) + 1
      continue
    }
    const sku = row.StockCode.trim()
    const quantity = Number(row.Quantity)
    const lines = invoices.get(row.InvoiceNo) ?? new Map<string, number>()
    // A code that stands twice on an invoice is one line with both quantities.
    invoices.set(row.InvoiceNo, lines.set(sku, (lines.get(sku) ?? 0) + quantity))
    const known = goods.get(sku)
    if (known) known.demand += quantity
    else goods.set(sku, newGoods(row, sku, quantity))
  }
  return {
    invoices: [...invoices].map(([number, lines]) => ({
      number,
      lines: [...lines].map(([sku, quantity]) => ({ sku, quantity })),
    })),
    goods: [...goods.values()],
    leftOut,
  }
}

function reasonToLeaveOut(row: Row): string | null {
  if (row.InvoiceNo.startsWith('C')) return 'cancellation'
  if (!GOODS_CODE.test(row.StockCode.trim())) return 'not goods'
  if (!(Number(row.Quantity) > 0)) return 'quantity not above zero'
  if (!(Number(row.UnitPrice) > 0)) return 'price not above zero'
  return null
}

function newGoods(row: Row, sku: string, demand: number): Goods {
  const title = row.Description.trim() || sku
  return { sku, title, priceMinor: Math.max(1, Math.round(Number(row.UnitPrice) * 100)), demand }
}
