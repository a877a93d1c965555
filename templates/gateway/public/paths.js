// The paths of gateway.config.json that this page requests.
export const paths = {
  login: '/api/auth0/login',
  callback: '/api/auth0/callback',
  logout: '/api/auth0/logout',
  refresh: '/api/auth0/refresh',
  profile: '/api/auth0/profile',
  api: '/api/messages',
};
