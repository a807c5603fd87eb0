export type * from './client/types.js'
export type * from './store/contract.js'
