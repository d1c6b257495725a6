import { MemoryStore } from './memory.ts'
import { testStore } from './store.contract.ts'

testStore({
  name: 'memory store',
  open: async () => new MemoryStore({ historyLimit: 20 }, { newEpoch: () => 'epoch-of-a-test' }),
})
