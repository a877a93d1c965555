// No service: nothing of it can be called.

export default { name: 'without fetch' };
