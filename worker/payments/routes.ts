import { newRoutes } from '../http/new-routes.ts'

export const paymentsRoutes = newRoutes()
