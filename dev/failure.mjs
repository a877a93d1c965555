// A failure whose message is all there is to say: it is printed as one line, without a stack.

export class Failure extends Error {}
