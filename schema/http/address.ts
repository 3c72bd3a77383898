import { z } from '@hono/zod-openapi'

const line = z.string().trim().min(1).max(200)

export const countrySchema = z
  .string()
  .regex(/^[A-Z]{2}$/)
  .openapi({ example: 'DE', description: 'ISO 3166-1 alpha-2' })

export const addressSchema = z
  .object({
    name: line,
    company: line.optional(),
    line1: line,
    line2: line.optional(),
    city: line,
    region: line.optional(),
    postalCode: z.string().trim().min(1).max(20),
    country: countrySchema,
    phone: z.string().trim().min(3).max(40).optional(),
    vatNumber: z
      .string()
      .trim()
      .toUpperCase()
      .regex(/^[A-Z]{2}[0-9A-Z+*]{2,13}$/, 'is not a VAT number: a country prefix and up to 13 characters')
      .optional()
      .openapi({
        type: 'string',
        example: 'DE123456789',
        description:
          'Of a business, on the billing address: where it is in the country that the goods go to and the rate there is marked for reverse charge, prices are shown and paid without tax.',
      }),
  })
  .openapi('Address')

export const contactSchema = z
  .object({ email: z.email().max(254).optional(), phone: z.string().trim().min(3).max(40).optional() })
  .refine(({ email, phone }) => email !== undefined || phone !== undefined, 'has neither email nor phone')
  .openapi('Contact', { description: 'A cart may have either; checkout needs the email.' })

export type Address = z.infer<typeof addressSchema>
export type Contact = z.infer<typeof contactSchema>
