import type { SchedulerEvents } from '../domain/events.js'
import type { Events } from './events.js'

export type NodeEvents = Events<SchedulerEvents>
