import { z } from '@hono/zod-openapi'

/** An amount in minor units of one currency (ISO 4217 exponent): 1999 EUR is 19.99 euros. */
export interface Money {
  amount: number
  currency: string
}

/** 10^12 minor units: far above any price, far below 2^53 even after multiplying by a line quantity's sum. */
export const AMOUNT_MINOR_MAX = 1_000_000_000_000

const KNOWN_CURRENCIES = new Set(Intl.supportedValuesOf('currency'))

export const currencySchema = z
  .string()
  .regex(/^[A-Z]{3}$/)
  .refine((code) => KNOWN_CURRENCIES.has(code), 'is not an ISO 4217 currency')
  .openapi({ example: 'EUR', description: 'ISO 4217 currency code' })

export const amountMinorSchema = z
  .int()
  .min(0)
  .max(AMOUNT_MINOR_MAX)
  .openapi({ example: 1999, description: 'Minor units (ISO 4217 exponent)' })

export const moneySchema = z.object({ amount: amountMinorSchema, currency: currencySchema }).openapi('Money')
