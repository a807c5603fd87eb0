export {
  exposureProblem,
  LOG_LEVELS,
  readServeConfig,
  SERVE_OPTIONS,
  type LogLevelName,
  type ServeConfig,
  type ServeFlags,
} from './config.js'
export { createApp, type AppOptions } from './http/app.js'
export type { App } from './http/routes/types.js'
export { serve, type Server } from './serve.js'
