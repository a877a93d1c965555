// The entry of src/edge/library.mjs: another answer if the gateway fails, which WebAssembly does for good.

export const guarded = (handle) => (request, env) => {
  try {
    const answer = handle(request, env);
    return answer instanceof Promise ? answer.catch(recover) : answer;
  } catch {
    return recover();
  }
};

const recover = () => new Response(null, { status: 500 });
