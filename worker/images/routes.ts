import { newRoutes } from '../http/new-routes.ts'

export const imagesRoutes = newRoutes()
