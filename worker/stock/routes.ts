import { newRoutes } from '../http/new-routes.ts'

export const stockRoutes = newRoutes()
